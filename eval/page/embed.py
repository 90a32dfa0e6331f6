"""Makes the C source that holds the page (the HTML around the data):  embed.py FOLDER > page.c

The page's policy lets nothing run but this very script (its SHA-256) and nothing be fetched but audio: so even if text of
the data were taken for HTML somewhere, it could neither run nor send anything."""
import base64
import hashlib
import os
import sys

SCRIPTS = ["dom.js", "plots.js", "sections.js", "systems.js", "explorer.js", "main.js"]


def read(name):
    with open(os.path.join(sys.argv[1], name), encoding="utf-8") as file:
        return file.read()


def literal(text):
    """A C string literal, one line of text a line."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", '\\n"\n  "')
    return '  "' + escaped + '"'


script = "".join(read(name) for name in SCRIPTS)
digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
policy = f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; media-src 'self' file: blob:"
head = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<title>Evaluation</title>
<style>
{read("page.css")}</style>
</head>
<body>
{read("page.html")}<script type="application/json" id="document">
"""
tail = f"</script>\n<script>{script}</script>\n</body>\n</html>\n"
print(f'#include "eval/page/page.h"\n\nconst char PAGE_HEAD[] =\n{literal(head)};\n\nconst char PAGE_TAIL[] =\n{literal(tail)};')
