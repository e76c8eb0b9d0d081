a = upper("x")
b = provider::x::y(1, [2]...)
c = f(
1,
)
