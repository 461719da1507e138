"""How similar the layers of networks are to those of a reference."""
