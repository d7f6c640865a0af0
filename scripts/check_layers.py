#!/usr/bin/env python3
"""Checks that #include directives keep to the layers of cmake/layers.json.

usage: check_layers.py [--root DIR] [--rules FILE] [--stamp FILE --depfile FILE]

Prints one line for each offending include and exits 1; exits 2 if the rules contradict themselves. With --stamp and
--depfile it leaves what a build system needs in order to run the check again only when a file or a folder changed.
"""

import argparse
import json
import re
import sys
from pathlib import Path, PurePosixPath

SOURCES = {".h", ".hpp", ".inc", ".cc", ".cpp", ".cu"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')


class RulesError(Exception):
    pass


def under(path, folder):
    return path == folder or path.startswith(folder + "/")


class Rules:
    def __init__(self, data):
        self.roots = data["roots"]
        self.include_dirs = data["include_dirs"]
        self.private_headers = data["private_headers"]
        self.guards = [(re.compile(g["pattern"]), g) for g in data["guarded_headers"]]
        self.layers = {layer["name"]: layer for layer in data["layers"]}
        for layer in data["layers"]:
            for name in layer["includes"] + layer.get("includes_privately", []):
                if name not in self.layers:
                    raise RulesError(f"layer {layer['name']} includes {name}, which is no layer")
        self.visible = {name: self._visible(name, ()) for name in self.layers}
        for name, layer in self.layers.items():
            for other in layer.get("includes_privately", []):
                self.visible[name] = self.visible[name] | self._visible(other, ())
                # A part may serve its whole (an implementation behind an interface), nothing else may go both ways.
                if name in self._visible(other, ()) and not under(self.layers[other]["folder"], layer["folder"]):
                    raise RulesError(f"layers {name} and {other} include each other")

    def _visible(self, name, path):
        """The layers that `name` passes on: itself and, transitively, what it includes."""
        if name in path:
            raise RulesError("layers include each other: " + " -> ".join(path + (name,)))
        result = {name}
        for other in self.layers[name]["includes"]:
            result |= self._visible(other, path + (name,))
        return frozenset(result)

    def layer_of(self, path):
        best = None
        for layer in self.layers.values():
            folder = layer["folder"]
            direct = str(PurePosixPath(path).parent) == folder
            if (direct or (layer.get("recursive", True) and under(path, folder))) and (
                best is None or len(folder) > len(best["folder"])
            ):
                best = layer
        return best["name"] if best else None

    def is_private(self, path):
        return any(under(path, folder) for folder in self.private_headers)


class Checker:
    def __init__(self, root, rules):
        self.root = root
        self.rules = rules
        self.seen = []  # every folder and file that the result depends on
        self.problems = []

    def run(self):
        for top in self.rules.roots:
            if (self.root / top).is_dir():
                self._folder(self.root / top)
        return self.problems

    def _folder(self, folder):
        self.seen.append(folder)
        for entry in sorted(folder.iterdir()):
            if entry.is_dir():
                self._folder(entry)
            elif entry.suffix in SOURCES:
                self.seen.append(entry)
                self._file(entry)

    def _file(self, file):
        path = file.relative_to(self.root).as_posix()
        layer = self.rules.layer_of(path)
        if layer is None:
            self.problems.append(f"{path}:1: error: this folder belongs to no layer of the rules")
            return
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            match = INCLUDE.match(line)
            if match:
                reason = self._objection(path, layer, match.group(1) or match.group(2), match.group(2) is not None)
                if reason:
                    self.problems.append(f"{path}:{number}: error: {reason}")

    def _objection(self, path, layer, header, quoted):
        for pattern, guard in self.rules.guards:
            if pattern.search(header):
                allowed = guard.get("allowed_in")
                if allowed is not None and not any(under(path, folder) for folder in allowed):
                    return f'"{header}": {guard["what"]} may be included only in {", ".join(allowed)}'
                if any(under(path, folder) for folder in guard.get("forbidden_in", [])):
                    return f'"{header}": {guard["what"]} may not be included in {layer}'
                return None
        target = self._resolve(path, header, quoted)
        if target is None:
            return None
        other = self.rules.layer_of(target)
        if other is None:
            if any(under(target, root) for root in self.rules.roots):
                return f'"{header}" belongs to no layer of the rules'
            return f'"{header}" lies outside the layers ({", ".join(self.rules.roots)})'
        if other not in self.rules.visible[layer]:
            return f'{layer} may not include "{header}": it may see {self._names(layer)}, not {other}'
        if path.endswith(".h") and self._public(path) and not self._public(target):
            return f'"{header}" is not installed, but this header is'
        return None

    def _names(self, layer):
        return ", ".join(name for name in self.rules.layers if name in self.rules.visible[layer])

    def _public(self, path):
        return under(path, "lib") and not self.rules.is_private(path)

    def _resolve(self, path, header, quoted):
        """The file of this project that `header` names, or None for a header of the system or of a library."""
        folders = [str(PurePosixPath(path).parent)] if quoted else []
        for folder in folders + self.rules.include_dirs:
            candidate = (self.root / folder / header).resolve()
            if candidate.is_file() and candidate.is_relative_to(self.root):
                return candidate.relative_to(self.root).as_posix()
        # A header that isn't there yet still has a place.
        for prefix, place in (("remote/", "lib/remote/"), ("worker/", "worker/"), ("apps/", "apps/")):
            if header.startswith(prefix):
                return place + header[len(prefix):]
        return None


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--rules", type=Path, help="default: ROOT/cmake/layers.json")
    parser.add_argument("--stamp", type=Path)
    parser.add_argument("--depfile", type=Path)
    options = parser.parse_args(argv)
    root = options.root.resolve()
    rules_file = options.rules or root / "cmake" / "layers.json"
    try:
        rules = Rules(json.loads(rules_file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, RulesError) as error:
        print(f"{rules_file}: error: {error}", file=sys.stderr)
        return 2
    checker = Checker(root, rules)
    problems = checker.run()
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    if options.depfile:
        depends = " ".join(str(path).replace(" ", "\\ ") for path in checker.seen)
        options.depfile.write_text(f"{options.stamp}: {depends}\n", encoding="utf-8")
    if options.stamp:
        options.stamp.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
