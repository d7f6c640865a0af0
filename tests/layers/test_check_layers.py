"""Each rule of the layer check catches a tree that breaks it, and a tree that keeps them all passes."""

import contextlib
import importlib.util
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("check_layers", ROOT / "scripts" / "check_layers.py")
check_layers = importlib.util.module_from_spec(SPEC)
sys.dont_write_bytecode = True
SPEC.loader.exec_module(check_layers)

CLEAN = {
    "lib/remote/base/status.h": "#include <string>\n",
    "lib/remote/wire/record.h": "#include <remote/base/status.h>\n",
    "worker/backend/backend.h": "#include <remote/wire/record.h>\n",
    "worker/service/service.cpp": '#include <grpcpp/grpcpp.h>\n#include "worker/backend/backend.h"\n',
    "lib/remote/transport/connection.h": "#include <remote/wire/record.h>\n",
    "lib/remote/transport/connect.cpp": "#include <remote/transport/embedded/embedded.h>\n",
    "lib/remote/transport/embedded/embedded.h": "#include <remote/transport/connection.h>\n",
    "lib/remote/transport/embedded/embedded.cpp": '#include "worker/backend/backend.h"\n',
    "lib/remote/transport/grpc/stub.cpp": '#include "remote/v1/worker.grpc.pb.h"\n',
    "lib/remote/client/session.h": "#include <remote/transport/connection.h>\n#include <remote/base/status.h>\n",
    "lib/remote/device/runtime.h": "#include <remote/client/session.h>\n#include <ATen/ATen.h>\n",
    "lib/remote/nn/linear.h": "#include <torch/torch.h>\n#include <remote/device/runtime.h>\n",
    "lib/remote/remote.h": "#include <remote/nn/linear.h>\n",
    "lib/remote/train/trainer.h": "#include <remote/remote.h>\n",
    "apps/config/node.cpp": "#include <yaml-cpp/yaml.h>\n#include <remote/train/trainer.h>\n",
    "examples/train.cpp": "#include <remote/remote.h>\n",
}


class CheckLayersTest(unittest.TestCase):
    def check(self, changes=None, rules=None):
        """Runs the check on CLEAN with `changes`; returns (exit status, what it printed)."""
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for path, text in {**CLEAN, **(changes or {})}.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            rules_file = ROOT / "cmake" / "layers.json"
            if rules is not None:
                rules_file = root / "rules.json"
                rules_file.write_text(json.dumps(rules))
            printed = io.StringIO()
            with contextlib.redirect_stderr(printed):
                status = check_layers.main(["--root", folder, "--rules", str(rules_file)])
            return status, printed.getvalue()

    def assert_caught(self, path, text, expected):
        status, printed = self.check({path: text})
        self.assertEqual(status, 1, printed)
        self.assertIn(expected, printed)
        self.assertEqual(len(printed.splitlines()), 1, printed)

    def test_a_tree_that_keeps_the_rules_passes(self):
        self.assertEqual(self.check(), (0, ""))

    def test_an_include_that_goes_up_names_file_line_and_layers(self):
        self.assert_caught("lib/remote/base/log.cpp", "\n#include <remote/client/session.h>\n",
                           "lib/remote/base/log.cpp:2: error: base may not include")

    def test_a_relative_include_that_goes_up_is_caught(self):
        self.assert_caught("lib/remote/wire/value.cpp", '#include "../device/runtime.h"\n', "wire may not include")

    def test_an_include_of_a_file_that_is_not_there_yet_is_caught(self):
        self.assert_caught("lib/remote/wire/value.cpp", "#include <remote/nn/later.h>\n", "wire may not include")

    def test_neighbours_may_not_include_each_other(self):
        self.assert_caught("lib/remote/optim/sgd.h", "#include <remote/nn/linear.h>\n", "optim may not include")

    def test_the_worker_does_not_see_the_client(self):
        self.assert_caught("worker/backend/run.cpp", "#include <remote/client/session.h>\n", "not client")
        self.assert_caught("worker/service/run.cpp", "#include <remote/device/runtime.h>\n", "not device")

    def test_the_client_does_not_see_the_worker_through_the_embedded_carrier(self):
        self.assert_caught("lib/remote/client/session.cpp", '#include "worker/backend/backend.h"\n', "client may not")
        self.assert_caught("lib/remote/client/session.cpp", "#include <remote/transport/embedded/embedded.h>\n",
                           "client may not")

    def test_grpc_and_protobuf_stay_in_their_two_folders(self):
        for header in ("grpcpp/grpcpp.h", "google/protobuf/message.h", "remote/v1/worker.pb.h"):
            self.assert_caught("lib/remote/transport/connection.h", f"#include <{header}>\n",
                               "gRPC and protobuf headers may be included only in")

    def test_yaml_stays_in_the_apps(self):
        self.assert_caught("lib/remote/train/options.h", "#include <yaml-cpp/yaml.h>\n", "only in apps")

    def test_the_whole_frontend_is_not_included_below_nn(self):
        for path in ("lib/remote/device/hooks.cpp", "worker/backend/run.cpp"):
            self.assert_caught(path, "#  include <torch/torch.h>\n", "whole C++ frontend")

    def test_an_installed_header_does_not_include_one_that_is_not(self):
        self.assert_caught("lib/remote/transport/connect.h", "#include <remote/transport/embedded/embedded.h>\n",
                           "is not installed")

    def test_a_folder_without_a_layer_is_an_error(self):
        self.assert_caught("lib/remote/misc/util.h", "", "belongs to no layer")
        self.assert_caught("lib/remote/base/log.cpp", "#include <remote/misc/util.h>\n", "belongs to no layer")

    def test_every_offence_is_reported(self):
        status, printed = self.check({"lib/remote/base/log.cpp":
                                      "#include <remote/wire/record.h>\n#include <yaml-cpp/yaml.h>\n"})
        self.assertEqual((status, len(printed.splitlines())), (1, 2))

    def test_rules_with_a_cycle_are_refused(self):
        rules = json.loads((ROOT / "cmake" / "layers.json").read_text())
        next(layer for layer in rules["layers"] if layer["name"] == "base")["includes"] = ["device"]
        status, printed = self.check(rules=rules)
        self.assertEqual(status, 2)
        self.assertIn("include each other", printed)


if __name__ == "__main__":
    unittest.main()
