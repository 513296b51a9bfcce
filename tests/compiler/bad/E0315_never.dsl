dim T
input x: real[T]
var a: real[T]
var b: real
def f(u):
    var c: real[3]
    return u
output y = f(x)
