"""Runs a notebook's code cells in order, as Jupyter would, and fails where one fails:  run.py NOTEBOOK [PICTURE_FOLDER]

For tests and machines without Jupyter: needs only what the cells need. Prints what they print; a figure that is shown is kept
as PICTURE_FOLDER/1.png, 2.png, ..."""
import json
import os
import sys
import traceback


def main(path, pictures=None):
    with open(path, encoding="utf-8") as file:
        notebook = json.load(file)
    if notebook.get("nbformat") != 4:
        sys.exit(f"{path}: not a notebook of format 4")
    os.environ["MPLBACKEND"] = "Agg"
    import matplotlib.pyplot as plt
    shown = []

    def show():
        for number in plt.get_fignums():
            shown.append(number)
            if pictures:
                plt.figure(number).savefig(os.path.join(pictures, f"{len(shown)}.png"), dpi=110)
        plt.close("all")

    plt.show = show
    pictures = pictures and os.path.abspath(pictures)
    os.chdir(os.path.dirname(os.path.abspath(path)))
    names, cells = {"__name__": "__main__"}, [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, 1):
        if cell["outputs"] or cell["execution_count"] is not None:
            sys.exit(f"{path}: code cell {number} holds outputs: clear them before committing")
        try:
            exec(compile("".join(cell["source"]), f"{os.path.basename(path)}, cell {number}", "exec"), names)
        except Exception:
            traceback.print_exc()
            sys.exit(f"{path}: code cell {number} failed")
    print(f"{len(cells)} cells run, {len(shown)} figures")


if __name__ == "__main__":
    main(*sys.argv[1:])
