a = var.x
b = c[0].d[*].e
f = g.*.h
i = j.0
