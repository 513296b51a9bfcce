input x: real
for t in 10:
    y = t
for t = 1:10
    y = t
for t, u in x:
    y = t
for t in range(3)
    y = t
while x
    x += 1
while x < 3 do
if x = 3:
    y = 1
if x > 3 then
    y = 1
elif x:
    y = 2
else
    y = 3
if x > 3: y = 1
else if x > 2: y = 2
else: y = 3
z = 1
else:
    z = 2
pass
break
end
output f = x
