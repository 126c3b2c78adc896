"""Parts of complex numbers."""
