#!/usr/bin/env python3
"""rewrite.py FILE.cu >FILE.cc: the two pieces of CUDA syntax that C++ lacks, spelt out for the emulator.

    kernel<T><<<grid, block, shared, queue>>>(arguments);   becomes   emulator::launch(...);
    extern __shared__ float buffer[];                       becomes   float *buffer = (float *)emulator::dynamic_shared();

Strings and comments are left alone, line numbers are kept, and #line names the .cu file."""
import re
import sys

SHARED = re.compile(r"extern\s+__shared__\s+(?:(?:__align__|alignas)\s*\(\s*\d+\s*\)\s*)?([\w:\s]+?)\s*\b(\w+)\s*\[\s*\]\s*;")


def blank_out(source):
    """The same text, as long, with blanks for comments and strings."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', blank, source, flags=re.S)


def closing(text, at):
    """The index after the bracket that closes the one at text[at]."""
    depth = 0
    while True:
        depth += (text[at] == "(") - (text[at] == ")")
        at += 1
        if depth == 0:
            return at


def callee_start(text, end):
    """Where the kernel's name starts that ends before text[end]: name, ns::name or name<...>."""
    while text[end - 1].isspace():
        end -= 1
    if text[end - 1] == ">":
        depth = 0
        while True:
            end -= 1
            depth += (text[end] == ">") - (text[end] == "<")
            if depth == 0:
                break
    while text[end - 1].isalnum() or text[end - 1] in "_:":
        end -= 1
    return end


def rewrite(path):
    with open(path, encoding="utf-8") as file:
        source = file.read()
    text = blank_out(source)
    edits = [(m.start(), m.end(), f"{m[1]} *{m[2]} = ({m[1]} *)emulator::dynamic_shared();") for m in SHARED.finditer(text)]
    at = text.find("<<<")
    while at >= 0:
        shape_end = text.index(">>>", at)
        arguments = text.index("(", shape_end)
        end = closing(text, arguments)
        start = callee_start(text, at)
        kernel = source[start:at].strip()
        edits.append((start, end, 'emulator::launch("%s", emulator::Launch(%s), [&] { %s%s; })' % (
            re.sub(r"\s+", " ", kernel), source[at + 3:shape_end], kernel, source[arguments:end])))
        at = text.find("<<<", end)
    for start, end, new in sorted(edits, reverse=True):
        new += "\n" * (source[start:end].count("\n") - new.count("\n"))
        source = source[:start] + new + source[end:]
    sys.stdout.write(f'#line 1 "{path}"\n{source}')


rewrite(sys.argv[1])
