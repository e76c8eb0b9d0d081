# commenthome_region = "x"
a = 1
