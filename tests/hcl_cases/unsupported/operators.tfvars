a = 1 + 2
b = !true
c = -(1 + 1) == 2 && true
d = !(!true)
