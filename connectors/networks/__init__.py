"""Networks: one file each, of one shape: settings, words, class. The next one copies the shortest."""
