# An arm of three links on a turning base: how far its hand is from a target, with a price on the joints' bends,
# on gravity's pull, and a barrier that keeps the elbow off its stops.
model robot_arm

input a, b, c: real                        # the target
param turn, shoulder, elbow, wrist: real   # the joints' angles
param upper, lower, hand: real             # the links' lengths

reach = upper * cos(shoulder) + lower * cos(shoulder + elbow) + hand * cos(shoulder + elbow + wrist)
height = upper * sin(shoulder) + lower * sin(shoulder + elbow) + hand * sin(shoulder + elbow + wrist)
x = reach * cos(turn) - 0.1 * sin(turn)
y = reach * sin(turn) + 0.1 * cos(turn)
distance = sqrt((x - a)**2 + (y - b)**2 + (height - c)**2 + 1e-4)
bends = 0.02 * (elbow**2 + wrist**2) + 0.05 * (1 - cos(elbow)) * (1 - cos(wrist))
torque = upper * cos(shoulder) / 2 + upper * cos(shoulder) + lower * cos(shoulder + elbow) / 2
strain = 0.3 * torque**2 + 0.1 * exp(-reach) + 0.2 * tanh(height * reach)
barrier = -0.01 * (log(1 + elbow**2) + log(2 - sin(elbow) * cos(wrist)))
size = (upper + lower + hand - 2)**2 + 0.1 * (upper * lower * hand - 0.2)**2
output f = distance + bends + strain + barrier + size
grad f wrt turn, shoulder, elbow, wrist, upper, lower, hand
