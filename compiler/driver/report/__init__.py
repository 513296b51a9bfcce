"""A model's differentiation at a point, as one page: `autodiffc explain`; and its picture: `autodiffc graph`.

given      the arguments that `--at` names, or random ones
scene      the values of the graph with what is in its loops and branches, once for all steps
flow       values, gradients and their parts at each step, from a tape
rules      the local derivatives as formulas
folds      which values are drawn as one box: a section, a line, a call, a loop
numbers    arrays in a few characters
picture    all this as data for the page
agreement  how far the gradients shown are from the emitted module's
sides      the source and the module side by side
costs      what the functions cost, what is saved, what the passes did
page       the HTML around it; in assets/ are its scripts, its style sheet, and dagre, which lays out graphs
dot        the picture alone, for Graphviz
"""
