"""Makes the C source that holds the tables of the English normalisation:  embed.py FOLDER > rule_tables.c"""
import os
import sys


def literal(text):
    """A C string literal, one line of text a line."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", '\\n"\n   "')
    return '   "' + escaped + '"'


print('#include "src/text/rules.h"\n\nconst RuleTable RULE_TABLES[] = {')
# words.txt first: it names the version
for name in ["words", "symbols", "numbers", "spelling"]:
    path = os.path.join("english", name + ".txt")
    with open(os.path.join(sys.argv[1], path), encoding="utf-8") as file:
        print(f'  {{"{path}",\n{literal(file.read())}}},')
print("  {0}};")
