from "missing.dsl" import a
from "/etc/hostname.dsl" import b
from "~/layers.dsl" import c
from "imported" import d
from "imported/layers.txt" import e
from "..\\layers.dsl" import f
from "imported/folder.dsl" import g
from "imported/link.dsl" import h
from "" import i
output y = a(1) + i(2)
