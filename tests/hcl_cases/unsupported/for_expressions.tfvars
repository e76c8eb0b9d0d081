a = [for in in [1] : in if true]
b = {
for k, v in { c = 1 } :
k => v... if
true
}
