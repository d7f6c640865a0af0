"""A run from beginning to end: what it leaves behind, what it prints, what it is judged by."""

import fcntl
import os
import pty
import re
import struct
import termios
import unittest

from app_test import SMALL_RUN, WORKER, AppTest, read_safetensors_header

LSTM = """\
model:
  type: Sequential
  layers:
    - {type: Flatten, start_dim: 1, end_dim: 2}
    - {type: LSTM, input_size: 28, hidden_size: 16, output: last}
    - {type: Linear, in_features: 16, out_features: 10}
data: {type: FashionMNIST, path: DATA, batch_size: 128}
optimizer: {type: SGD, lr: 0.1, momentum: 0.9}
trainer: {epochs: 2, clip_grad_norm: 1.0}
"""


class RunTest(AppTest):
    def setUp(self):
        super().setUp()
        self.run_folder = self.folder / "run"

    def train_small(self, *arguments, code=0, text=SMALL_RUN):
        return self.train("--config", self.config(text), "--output", self.run_folder, *arguments, code=code)

    def test_a_run_folder_is_whole(self):
        self.train_small()
        summary = self.summary(self.run_folder)
        self.assertEqual(summary["status"], "completed")
        self.assertEqual((summary["steps"], summary["epochs"]), (9, 3))
        self.assertEqual(summary["device"], "cpu" if WORKER == "none" else "remote:0")
        self.assertGreater(summary["seconds"], 0)
        self.assertEqual({"train/loss", "lr", "val/loss", "val/accuracy"}, set(summary["metrics"]))

        log = self.log(self.run_folder)
        self.assertEqual([line["step"] for line in log if "train/loss" in line], list(range(1, 10)))
        self.assertEqual([line["step"] for line in log if "val/loss" in line], [3, 6, 9])

        printed = self.train("--config", self.config(), "--print-config").out
        self.assertEqual((self.run_folder / "config.yaml").read_text(), printed)
        for name in ("last", "best"):
            header = read_safetensors_header(self.run_folder / "checkpoints" / name / "model.safetensors")
            self.assertEqual(header["1.weight"]["shape"], [16, 784])
            self.assertEqual(header["__metadata__"]["format"], "pt")

    def test_it_learns(self):
        self.train_small("trainer.epochs=30", "optimizer.lr=0.01", "--require", "val/accuracy>=0.9")

    def test_without_an_output_runs_are_numbered(self):
        config = self.config()
        for number in (1, 2):
            self.train("--config", config, "trainer.epochs=1")
            self.assertTrue((self.folder / "runs" / f"small-{number}" / "summary.json").exists())

    def test_requirements_decide_the_exit_code(self):
        missed = self.train_small("--require", "val/loss<1000", "--require", "val/accuracy>=1.5", code=1)
        self.assertRegex(missed.err, r"rt-train: required val/accuracy>=1.5, got 0\.\d+\n$")
        self.assertEqual(self.summary(self.run_folder)["status"], "completed")

    def test_a_requirement_on_no_figure_is_known_before_the_run(self):
        said = self.train_small("--require", "val/acuracy>=0.5", code=2).err
        self.assertIn("did you mean 'val/accuracy'?", said)
        self.assertFalse(self.run_folder.exists())

    def test_no_step_after_the_first_waits(self):
        said = self.train_small("--stats").out
        self.assertIn("steps after the first that waited for the worker: 0\n", said)
        if WORKER == "none":
            return
        row = re.search(r"^operations +(\d+) +(\d+) +(\d+) +(\d+)$", said, re.MULTILINE)
        self.assertTrue(row, said)
        self.assertLess(int(row[2]), 60, "operations of a step")
        asked = re.search(r"^synchronisations +\d+ +(\d+) +(\d+) ", said, re.MULTILINE)
        self.assertEqual((asked[1], asked[2]), ("0", "0"))

    def test_an_lstm_classifier_trains(self):
        self.train_small("--stats", text=LSTM)
        self.assertEqual(self.summary(self.run_folder)["steps"], 6)

    def test_the_worker_changes_no_bit(self):
        self.train_small()
        config = self.config()
        self.train("--config", config, "--output", self.folder / "plain", worker="none")
        self.assertEqual(*((run / "metrics.jsonl").read_text() for run in (self.run_folder, self.folder / "plain")))
        self.assertEqual(*((run / "checkpoints" / "last" / "model.safetensors").read_bytes()
                           for run in (self.run_folder, self.folder / "plain")))

    def test_evaluation_gives_the_runs_own_figures(self):
        self.train_small()
        best = self.summary(self.run_folder)["best"]
        said = self.app("rt-eval", "--run", self.run_folder, "--require", "val/accuracy>=0").out
        self.assertAlmostEqual(float(re.search(r"val/accuracy (\S+)", said)[1]), best["value"], places=5)

        weights = self.run_folder / "checkpoints" / "best" / "model.safetensors"
        by_config = self.app("rt-eval", "--config", self.config(), "--weights", weights).out
        self.assertEqual(by_config.splitlines()[1:], said.splitlines()[1:])
        self.assertIn("train/accuracy", self.app("rt-eval", "--run", self.run_folder, "--split", "train").out)
        self.app("rt-eval", "--run", self.run_folder, "--require", "val/accuracy>1", code=1)

    def test_evaluating_weights_of_another_model_says_what_differs(self):
        self.train_small()
        said = self.app("rt-eval", "--run", self.run_folder, "model.layers.1.out_features=8",
                        "model.layers.4.in_features=8", code=1).err
        self.assertIn("1.weight: [16, 784] there, [8, 784] in the model", said)

    def test_without_a_terminal_there_are_plain_lines(self):
        said = self.train_small("logging.console_seconds=0").err
        self.assertIn("training on ", said)
        self.assertRegex(said, r"epoch \d  step [1-9]/9 .* steps/s")
        self.assertIn("completed: 9 steps (3 epochs)", said)
        self.assertNotIn("\r", said)

    def test_on_a_terminal_there_is_one_line_that_is_drawn_anew(self):
        main, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))  # rows, columns
        process = self.start("rt-train", "--config", self.config(), "--output", self.run_folder, "trainer.epochs=400",
                             "trainer.log_every_steps=100", "trainer.val_every_steps=600",
                             env={**os.environ, "TERM": "xterm", "CI": ""}, preexec_fn=lambda: os.dup2(terminal, 2))
        os.close(terminal)
        shown = b""
        try:
            while chunk := os.read(main, 65536):
                shown += chunk
        except OSError:
            pass  # how a terminal says that its last writer is gone
        os.close(main)
        self.finish(process)
        self.assertRegex(shown, rb"\r\x1b\[K[^\n]*step \d+/1200  train/loss [^\n]*steps/s  \d+s left")
        self.assertIn(b"completed: 1200 steps", shown)

    def test_the_program_says_its_version(self):
        self.assertRegex(self.train("--version", worker=None).out, r"rt-train \d+\.\d+\.\d+ \(LibTorch ")


if __name__ == "__main__":
    unittest.main()
