"""From where on something is called a finding: the numbers, and where they come from.

Nobody knows a sharp border between a healthy network and an ill one. These numbers are set so that networks
that start by the rules of Glorot and He, and networks that have learned what they should, stay quiet.
"""

from __future__ import annotations

# An activation counts as flat where its slope is below 5% of the steepest: a sigmoid beyond 0.987 or below
# 0.013, a tanh beyond ±0.975. Glorot and Bengio (2010) show by the distribution of activations how layers are
# driven there, and learning stalls. Some such units are normal (a trained gate is open or closed): a layer is
# named where most elements are flat, and most of the gradient that arrives is lost there.
FLAT = 0.05
SATURATED, PASSED = 0.5, 0.5

# A unit that never fires gets no gradient (Lu et al. 2020). Some are normal in a wide layer, and more in a
# deep one, to which all examples look alike (see is_dead). Fewer examples than these say nothing: half of all
# units are off for one (He et al. 2015), so that a healthy one is off for all n with probability 2^-n.
DEAD, SAMPLES = 0.25, 16

# Through depth: gradients should have the same variance in all layers (Glorot and Bengio 2010, He et al.
# 2015); each layer of sigmoids takes a factor of 4 and more (Hochreiter 1991).
LAYERS, SHRINKS, GROWS = 3, 1e-2, 1e2

# Through time: Bengio, Simard and Frasconi (1994), Pascanu, Mikolov and Bengio (2013). That what is old
# counts less is right in many models: a finding only where next to nothing is left.
STEPS, FADES, SWELLS = 5, 1e-4, 1e3

# What enters: near 0, with features of like spread (LeCun, Bottou, Orr and Müller 1998). The condition
# number of a layer's least-squares problem is about the square of these ratios. What varies less is taken
# for constant.
UNEVEN, OFFSET, LARGE, SMALL, CONSTANT = 100.0, 10.0, 10.0, 0.01, 1e-12

# Numbers that differ by no more than this, relative to the largest, are the same but for rounding.
ROUNDING = 1e-12
