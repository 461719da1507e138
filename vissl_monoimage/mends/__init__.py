"""The mends themselves, by what they mend; `vissl_monoimage.compat` is their index."""
