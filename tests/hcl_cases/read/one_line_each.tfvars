a = {

  b = 1,
  c = 2

  d = [1,
2,]
}


for = 1
true = 2