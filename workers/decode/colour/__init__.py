"""Colours to sRGB (IEC 61966-2-1), as viewers show them."""
