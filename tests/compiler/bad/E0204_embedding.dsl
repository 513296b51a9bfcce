dim V, D, N
input table: real[V, D]
input w: real[N]
output e = embedding(table, w)
