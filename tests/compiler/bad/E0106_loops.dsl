input x: real
y = x
for i0 in range(2):
    for i1 in range(2):
        for i2 in range(2):
            for i3 in range(2):
                for i4 in range(2):
                    for i5 in range(2):
                        for i6 in range(2):
                            for i7 in range(2):
                                for i8 in range(2):
                                    for i9 in range(2):
                                        for i10 in range(2):
                                            for i11 in range(2):
                                                for i12 in range(2):
                                                    for i13 in range(2):
                                                        for i14 in range(2):
                                                            for i15 in range(2):
                                                                for i16 in range(2):
                                                                    y = y + 1
output f = y
