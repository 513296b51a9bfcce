input x: real; input y: real
output a = x \
    + y
output b = x && y
output c = !x
output d = x || y
output e = |x|
output f = x ? 1 : 2
output g = {x}
output h = ~x
output i = $x
x ~ normal(0, 1)
def f(x) {
    return x
}
