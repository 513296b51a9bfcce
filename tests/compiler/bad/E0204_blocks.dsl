dim N
input x: real[N]
input k: int[N]
input r: real
y = 0.0
if x > 0:
    y = 1.0
if r:
    y = 2.0
for i in range(r):
    y = y + 1
for i in range(0, k):
    y = y + 1
while y max 3.5:
    y = y + 1
while y < 3 max r:
    y = y + 1
z = x[r:]
output f = y
