"""Stopping and going on: the run is, to the last bit, the one that never stopped."""

import signal
import unittest

from app_test import AppTest

LONG = ("trainer.epochs=400", "trainer.val_every_steps=60", "trainer.log_every_steps=7")


class ResumeTest(AppTest):
    def setUp(self):
        super().setUp()
        self.small = self.config()
        self.straight, self.stopped = self.folder / "straight", self.folder / "stopped"

    def run_straight(self):
        self.train("--config", self.small, "--output", self.straight, *LONG)

    def interrupt(self, number, **popen):
        """Sends a signal to a run after some validations; returns the process."""
        process = self.start("rt-train", "--config", self.small, "--output", self.stopped, *LONG, **popen)
        log = self.stopped / "metrics.jsonl"
        self.wait_for(lambda: log.exists() and log.read_text().count("val/loss") >= 3, "three validations", process)
        process.send_signal(number)
        return process

    def check_signal(self, number, code, **popen):
        self.run_straight()
        result = self.finish(self.interrupt(number, **popen), code)
        self.assertIn("a second signal ends it at once", result.err)
        summary = self.summary(self.stopped)
        self.assertEqual(summary["status"], "stopped")
        self.assertIn(f"stopped: {summary['steps']} steps", result.err)
        self.assertLess(summary["steps"], 1200)
        self.train("--resume", self.stopped)
        self.assertEqual(self.summary(self.stopped)["status"], "completed")
        self.assert_same_run(self.stopped, self.straight)

    def test_sigint_saves_a_checkpoint_and_ends_with_130(self):
        self.check_signal(signal.SIGINT, 130)

    def test_sigterm_saves_a_checkpoint_and_ends_with_143(self):
        self.check_signal(signal.SIGTERM, 143)

    def test_sighup_saves_a_checkpoint_and_ends_with_129(self):
        # Under nohup the run would inherit that the signal is ignored.
        self.check_signal(signal.SIGHUP, 129, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))

    def test_after_a_kill_the_run_goes_on_from_its_last_checkpoint(self):
        self.run_straight()
        self.finish(self.interrupt(signal.SIGKILL), -signal.SIGKILL)
        self.train("--resume", self.stopped)
        self.assert_same_run(self.stopped, self.straight)

    def test_a_finished_run_can_be_made_longer(self):
        self.train("--config", self.small, "--output", self.stopped)
        self.train("--resume", self.stopped, "trainer.epochs=5")
        self.train("--config", self.small, "--output", self.straight, "trainer.epochs=5")
        self.assert_same_run(self.stopped, self.straight)
        self.assertIn("epochs: 5", (self.stopped / "config.yaml").read_text())

    def test_another_model_is_not_resumed(self):
        self.train("--config", self.small, "--output", self.stopped)
        said = self.train("--resume", self.stopped, "model.layers.1.out_features=8", "model.layers.4.in_features=8", code=1)
        self.assertIn("does not fit the model", said.err)

    def test_where_there_is_nothing_to_resume_it_is_said(self):
        self.assertIn("no config.yaml", self.train("--resume", self.folder, code=2).err)
        (self.folder / "config.yaml").write_text(self.small.read_text())
        self.assertIn("there is nothing to resume", self.train("--resume", self.folder, code=1).err)


if __name__ == "__main__":
    unittest.main()
