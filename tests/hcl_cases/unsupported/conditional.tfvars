a = true ? 1 : 2
b = { c = true ? 1 : 2 }
