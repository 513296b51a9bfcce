y = 2x
y = 2(x + 1)
y = (a)(b)
y = a b
y = a +
y = * a
y = a ** / b
y = a .* b
y = A'*b'
y = a => b
y = a =< b
y = a <> b
y = a === b
y = a = b
y = a not b
y = not
y = a if b
y = if c then a else b
y = x[]
y = x[1:2:3:4]
y = x[1 2]
y = x.
y = ()()
y = a)
y = "a" "b"
y = 007
y = for
