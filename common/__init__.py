"""What the domains share and none of them owns: how money and public numbers are written."""
