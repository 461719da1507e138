"""Tables, figures and a page from ledger rows: join, tables, plots, sections, similarity, formats."""
