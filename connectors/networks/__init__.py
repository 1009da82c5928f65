"""Networks: one file each, of one shape: settings, encode, decode, class. The next one copies the shortest."""
