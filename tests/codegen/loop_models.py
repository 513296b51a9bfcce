"""Models with loops and branches, each a way in which a loop can be written wrongly."""

from __future__ import annotations

# name: (model, arguments); an int stands for itself, a tuple is the shape of an array of reals
MODELS: dict[str, tuple[str, dict[str, object]]] = {
    "recurrence": (
        "dim T, B, D, H\ninput x: real[T, B, D]\nparam W: real[D, H]\nparam U: real[H, H]\nparam b: real[H]\n"
        "var hs: real[T, B, H]\nh = zeros(B, H)\n"
        "for t in range(T):\n    h = tanh(x[t] @ W + h @ U + b)\n    hs[t] = h\n"
        "output y = hs\nloss L = mean(hs**2) + sum(h)\n",
        {"x": (4, 2, 3), "W": (3, 2), "U": (2, 2), "b": (2,)},
    ),
    "swap": (
        "input n: int\nparam p, q: real\na = p\nb = q\n"
        "for i in range(n):\n    c = a\n    a = b\n    b = c * 0.5 + b * b\nloss L = a * b\n",
        {"n": 5, "p": (), "q": ()},
    ),
    "no_steps": (
        "input n: int\nparam p: real[3]\na = p\nfor i in range(n):\n    a = a * a\nloss L = sum(a * p)\noutput y = a\n",
        {"n": 0, "p": (3,)},
    ),
    "arrays_swapped": (
        "dim N\ninput n: int\nparam p, q: real[N]\na = p\nb = q\n"
        "for i in range(n):\n    c = a\n    a = sin(b) + a\n    b = c * b\noutput y = a\nloss L = sum(a * b)\n",
        {"n": 3, "p": (3,), "q": (3,)},
    ),
    "rotation": (
        "input n: int\nparam p, q, r: real\na = p\nb = q\nc = r\n"
        "for i in range(n):\n    d = a\n    a = b\n    b = c\n    c = d * 0.9 + b * a\nloss L = a + 2 * b + 3 * c\n",
        {"n": 4, "p": (), "q": (), "r": ()},
    ),
    "scalar_sum": (
        "dim N\ninput x: real[N]\nparam w: real\ns = 0.0\nfor i in range(N):\n    s += sin(w * x[i]) * s + 1\n"
        "loss L = s\n",
        {"x": (5,), "w": ()},
    ),
    "array_sum": (
        "dim N, D\nparam W: real[N, D]\ns = zeros(D)\nfor i in range(N):\n    s += W[i] * W[i]\nloss L = sum(s * s)\n",
        {"W": (4, 3)},
    ),
    "sum_kept": (
        "dim N, D\nparam W: real[N, D]\nvar sums: real[N, D]\ns = zeros(D)\n"
        "for i in range(N):\n    s += W[i] * W[i]\n    sums[i] = s\nloss L = sum(sums * sums)\noutput y = sums\n",
        {"W": (4, 3)},
    ),
    "old_and_new": (
        "dim N, D\nparam W: real[N, D]\ns = zeros(D)\nr = ones(D)\n"
        "for i in range(N):\n    old = s\n    s = s + W[i] * r\n    r = r * old + s\nloss L = sum(s * r)\n",
        {"W": (4, 3)},
    ),
    "neighbours": (
        "dim N\nparam a: real[N]\nvar s: real[N]\ns[0] = a[0]\n"
        "for i in range(1, N):\n    s[i] = a[i] * s[i-1] + sin(s[i-1])\nloss L = sum(s * s)\noutput last = s[N-1]\n",
        {"a": (5,)},
    ),
    "backwards": (
        "dim N\nparam a: real[N]\nvar s: real[N]\ns[N-1] = a[N-1]\n"
        "for i in range(N-2, -1, -1):\n    s[i] = a[i] * s[i+1]\nloss L = sum(s * s)\n",
        {"a": (5,)},
    ),
    "known_to_have_no_steps": (
        "dim N = 1\ndim D\nparam a: real[N, D]\nparam W: real[D, D]\nh = a[0]\n"
        "for i in range(N-3, -1, -1):\n    h = tanh(a[i] @ W + h)\nloss L = sum(h * h) + sum(a) + sum(W)\n",
        {"a": (1, 3), "W": (3, 3)},
    ),
    "no_steps_inside": (
        "param p, q: real\ns = p\nfor i in range(5):\n    for j in range(0):\n"
        "        s = q * exp(-s**2) if sin(0.3) / q > 0.2 else sin(sin(0.3) / q)\nloss L = s**2 + q**2\n",
        {"p": (), "q": ()},
    ),
    "a_size_that_a_branch_alone_tells": (
        "dim M\ninput b: bool[M]\nparam q: real\nif q > 0.1:\n"
        "    v = sin(roll(softplus(zeros(M) + q), -1)) @ (zeros(M) + q)\nelse:\n    v = q\nloss L = sin(v)\n",
        {"b": [True, False, True], "q": ()},
    ),
    "strides": (
        "dim N\nparam a: real[N]\ns = 0.0\nfor i in range(1, N, 2):\n    s = s * 0.5 + a[i] * a[i-1]\n"
        "for i in range(N-1, 0, -3):\n    s = s * 0.5 + a[i] * a[i-1]\nloss L = s\n",
        {"a": (8,)},
    ),
    "table": (
        "dim N, M\nparam a: real[N]\nparam b: real[M]\nvar D: real[N+1, M+1]\n"
        "for i in range(N):\n    D[i+1, 0] = a[i]\nfor j in range(M):\n    D[0, j+1] = b[j]\n"
        "for i in range(N):\n    for j in range(M):\n"
        "        D[i+1, j+1] = logaddexp(D[i, j+1], D[i+1, j]) + D[i, j] * a[i] * b[j]\n"
        "loss L = D[N, M]\noutput table = D\n",
        {"a": (4,), "b": (3,)},
    ),
    "triangle": (
        "dim N\nparam A: real[N, N]\ns = 0.0\n"
        "for i in range(N):\n    for j in range(i):\n        s = s * 0.5 + A[i, j] * A[j, i]\nloss L = s\n",
        {"A": (4, 4)},
    ),
    "ragged": (
        "dim N\nparam a: real[N]\nt = 0.0\n"
        "for i in range(N):\n    h = a[i]\n    for j in range(i + 1):\n        h = sin(h) + a[j] * h\n    t += h * h\nloss L = t\n",
        {"a": (4,)},
    ),
    "ragged_arrays": (
        "dim N, D\nparam a: real[N, D]\nt = zeros(D)\n"
        "for i in range(N):\n    h = a[i]\n    for j in range(i + 1):\n        h = sin(h) + a[j] * h\n    t += h * h\nloss L = sum(t)\n",
        {"a": (4, 2)},
    ),
    "branch_in_loop": (
        "dim N\nparam a: real[N]\nh = 0.3\nfor i in range(N):\n    if a[i] > 0.6:\n        h = sin(h) * a[i]\n"
        "    elif a[i] > 0.4:\n        h = h + a[i]\nloss L = h * h\n",
        {"a": (7,)},
    ),
    "branch_of_arrays": (
        "dim N, D\nparam a: real[N, D]\nh = zeros(D)\nfor i in range(N):\n    if a[i, 0] > 0.6:\n        h = tanh(h) * a[i]\n"
        "    else:\n        g = a[i] * 2\n        h = h + g * g\nloss L = sum(h * h)\noutput y = h\n",
        {"a": (7, 2)},
    ),
    "writes_in_branch": (
        "dim N\nparam a: real[N]\nvar s: real[N]\nfor i in range(N):\n    if a[i] > 0.6:\n        s[i] = a[i] * a[i]\n"
        "    else:\n        s[i] = sin(a[i])\nloss L = sum(s * s)\n",
        {"a": (7,)},
    ),
    "loop_in_branch": (
        "dim N\ninput c: int\nparam a: real[N]\nh = 1.0\nif c > 2:\n    for i in range(N):\n        h = h * a[i]\nelse:\n    h = sum(a)\nloss L = h * h\n",
        {"c": 3, "a": (4,)},
    ),
    "loop_not_taken": (
        "dim N\ninput c: int\nparam a: real[N]\nh = 1.0\nif c > 2:\n    for i in range(N):\n        h = h * a[i]\nelse:\n    h = sum(a)\nloss L = h * h\n",
        {"c": 1, "a": (4,)},
    ),
    "branches": (
        "input x: real\nparam w: real\ny = x * w\nif y > 0.5:\n    a = sin(y)\n    b = y\nelif y > 0.1:\n    a = y\n    b = a * w\n"
        "else:\n    a = w\n    b = w * w\nloss L = a * b\noutput both = a + b\n",
        {"x": (), "w": ()},
    ),
    "newton": (
        "param x: real\ny = x\nwhile y * y - 2 > 0.001 max 30:\n    y = y - (y * y - 2) / (2 * y)\nloss L = y * x\n",
        {"x": 2.5},
    ),
    "while_of_arrays": (
        "dim N\nparam x: real[N]\ny = x\nwhile sum(y * y) > 0.1 max 100:\n    y = 0.7 * sin(y)\nloss L = sum(y * x)\noutput z = y\n",
        {"x": (3,)},
    ),
    "while_at_its_limit": (
        "param x: real\ny = x\nwhile y > 0 max 4:\n    y = y * 0.5 * x\nloss L = y\n",
        {"x": 1.5},
    ),
    "while_that_does_not_begin": (
        "param x: real\ny = x\nwhile y > 100 max 4:\n    y = y * 0.5 * x\nloss L = y\n",
        {"x": 1.5},
    ),
    "carried_argument": (
        "dim N\nparam h: real[N]\ng = h\nfor i in range(3):\n    g = g * h + i\nloss L = sum(g)\noutput y = g\n",
        {"h": (3,)},
    ),
    "carried_array_of_the_callers": (
        "dim N\ninput x: real[N, N]\nparam w: real[N]\ns = x[0]\nfor i in range(N):\n    s += x[i] * w\nloss L = sum(s * s)\noutput y = s\n",
        {"x": (3, 3), "w": (3,)},
    ),
    "last_and_all": (
        "dim T, N\nparam x: real[N]\nvar hs: real[T, N]\ninput g: real[T]\nh = x\nfor t in range(T):\n    h = sin(h) * x + g[t]\n    hs[t] = h\n"
        "output last = h\noutput all_of_them = hs\nloss L = sum(hs * hs) + sum(h)\n",
        {"x": (3,), "g": (4,)},
    ),
    "generator": (
        "dim N\nparam a: real[N]\nloss L = sum(sin(a[i]) * a[i] for i in range(N))\n",
        {"a": (4,)},
    ),
    "nested_generators": (
        "dim N\nparam a: real[N]\nloss L = sum(sum(sin(a[i] * a[j]) for j in range(N)) * a[i] for i in range(1, N))\n",
        {"a": (4,)},
    ),
    "tree": (
        "dim N\ninput parent: int[N] in range(N)\nparam a: real[N]\nvar s: real[N]\ns[0] = a[0]\n"
        "for i in range(1, N):\n    s[i] = s[parent[i]] * a[i] + a[i]\nloss L = sum(s * s)\n",
        {"parent": [0, 0, 1, 1, 2], "a": (5,)},
    ),
    "function_with_a_loop": (
        "dim N\ndef horner(c: real[K], x):\n    s = 0.0\n    for k in range(K):\n        s = s * x + c[k]\n    return s\n"
        "param c: real[N]\nparam x: real\nloss L = horner(c, x) * horner(c, 2 * x)\n",
        {"c": (4,), "x": ()},
    ),
    "two_loops": (
        "dim T, H\nparam a: real[H]\ninput x: real[T, H]\nvar u: real[T, H]\nvar v: real[T, H]\nh = a\n"
        "for t in range(T):\n    h = tanh(h * a + x[t])\n    u[t] = h\n"
        "for t in range(T):\n    h = tanh(h * a + u[T-1-t])\n    v[t] = h + u[t]\nloss L = sum(v * v)\n",
        {"a": (2,), "x": (4, 2)},
    ),
    "power_of_a_matrix": (
        "dim N\ninput n: int\nparam A: real[N, N]\nz = eye(N)\nfor k in range(n):\n    z = z @ A\nloss L = trace(z)\noutput y = z\n",
        {"n": 4, "A": (3, 3)},
    ),
    "by_length": (
        "dim N\nparam a: real[N]\nif N > 3:\n    s = sum(a * a)\nelse:\n    s = sum(sin(a))\nloss L = s * s\n",
        {"a": (5,)},
    ),
    "three_deep": (
        "dim N\nparam A: real[N, N]\nC = zeros(N, N)\nfor i in range(N):\n    for j in range(N):\n        for k in range(N):\n"
        "            C[i, j] += A[i, k] * A[k, j]\nloss L = sum(C * C)\n",
        {"A": (3, 3)},
    ),
    "step_as_a_number": (
        "dim N\nparam a: real[N]\ns = 0.0\nfor i in range(N):\n    s = s * 0.3 + a[i] * i / N\nloss L = s\n",
        {"a": (4,)},
    ),
    "while_in_loop": (
        "dim N\nparam a: real[N]\nt = 0.0\nfor i in range(N):\n    y = a[i] * 3\n"
        "    while y > 0.5 max 20:\n        y = y * 0.7 * sin(y)\n    t += y * a[i]\nloss L = t * t\n",
        {"a": (4,)},
    ),
    "while_of_arrays_in_loop": (
        "dim N, D\nparam a: real[N, D]\nt = zeros(D)\nfor i in range(N):\n    y = a[i] * 3\n"
        "    while sum(y) > 0.5 max 20:\n        y = y * 0.7 * sin(y)\n    t += y * a[i]\nloss L = sum(t * t)\n",
        {"a": (4, 2)},
    ),
    "while_in_branch": (
        "param a, b: real\ny = a\nif a > 0.1:\n    while y > 0.2 max 20:\n        y = y * 0.7 * cos(y)\n"
        "else:\n    y = y * b\nloss L = y * b\n",
        {"a": (), "b": ()},
    ),
    "loop_in_branch_in_loop": (
        "dim N\nparam a: real[N]\nt = 0.0\nfor i in range(N):\n    y = a[i]\n    if a[i] > 0.6:\n"
        "        for j in range(i):\n            y = sin(y) * a[j]\n    else:\n        y = y * y\n    t = t * 0.5 + y\nloss L = t\n",
        {"a": (6,)},
    ),
    "loop_of_arrays_in_branch_in_loop": (
        "dim N, D\nparam a: real[N, D]\nt = zeros(D)\nfor i in range(N):\n    y = a[i]\n    if a[i, 0] > 0.6:\n"
        "        for j in range(3):\n            y = sin(y) * a[i]\n    elif a[i, 0] > 0.5:\n        y = y * y\n"
        "    t = t * 0.5 + y * t + y\nloss L = sum(t)\n",
        {"a": (6, 2)},
    ),
    "checkpoint": (
        "dim T, H\nparam U: real[H, H]\ninput x: real[T, H]\nh = zeros(H)\n"
        "for t in range(T) checkpoint:\n    h = tanh(x[t] + h @ U)\nloss L = sum(h * h)\n",
        {"U": (2, 2), "x": (7, 2)},
    ),
    "old_adjoint_read_after_a_loop_writes": (
        "dim N\ninput x: real[N]\nparam w: real[N]\nparam p: real\nu = w * x\nv = w * 0.5\n"
        "for i in range(2):\n    t = (x + u) * x[i] * tanh(w[i] * p)\n    for j in range(N - 1, -1, -1):\n"
        "        u[j] += 0.3 * sigmoid(v[j] - sum(t))\ng = tanh(w + u)\nloss L = sum(g * v)\n",
        {"x": (4,), "w": (4,), "p": ()},
    ),
    "result_and_saved_value_are_one": (
        "dim N\ninput A: real[N, N]\ninput x: real[N]\nparam w: real[N]\nu = zeros(N)\nv = w * 0.5\n"
        "for i in range(3):\n    if w[i] - A[i, 0] > sum(v) - 1:\n        v = tanh(A[i])\n    else:\n"
        "        v = tanh(A @ u - v)\n    u = u * 0.5 + v\n    v = tanh(tanh(v * x) * w)\nloss L = sum(u * v)\n",
        {"A": (3, 3), "x": (3,), "w": (3,)},
    ),
    "two_results_of_a_branch": (
        "dim N\ninput A: real[N, N]\nparam w: real[N]\nu = w * 0.5\nv = w\nb = 0.3\nfor m in range(N):\n"
        "    if A[m, 0] > 0.6:\n        v[m] += 0.3 * sum(v)\n    else:\n        u = tanh(sin(w) * u)\n"
        "        b = tanh(u[m] * b)\n    u = u + v * b\nloss L = sum(u * v) + b\n",
        {"A": (4, 4), "w": (4,)},
    ),
    "given_name_is_kept": (
        "dim N\ninput x: real[N]\nparam p: real\nb = sin(p)\na = p\nfor i in range(N):\n    if x[i] > 0.5:\n"
        "        c = tanh(a * b)\n        for j in range(i):\n            c = c * b + x[j]\n        a = c\n    else:\n"
        "        a = a * b\nloss L = a * b\n",
        {"x": (5,), "p": ()},
    ),
}
