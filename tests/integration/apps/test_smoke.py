"""`--smoke` of each shipped config: a whole run in miniature, on the full data."""

import time
import unittest

from app_test import ROOT, WORKER, AppTest, read_safetensors_header

SMOKE_SECONDS = 30


class SmokeTest(AppTest):
    def smoke(self, config):
        run = self.folder / "run"
        began = time.monotonic()
        result = self.train("--config", ROOT / "configs" / config, "--smoke", "--stats", "--output", run)
        self.assertLess(time.monotonic() - began, SMOKE_SECONDS)

        summary = self.summary(run)
        self.assertEqual(summary["status"], "completed")
        self.assertEqual(summary["steps"], 4)
        self.assertIn("val/loss", summary["metrics"])
        for checkpoint in ("last", "best"):
            header = read_safetensors_header(run / "checkpoints" / checkpoint / "model.safetensors")
            self.assertGreater(len(header), 2)
        if WORKER != "none":
            self.assertIn("steps after the first that waited for the worker: 0\n", result.out)

    def test_mlp(self):
        self.smoke("fashion_mnist_mlp.yaml")

    def test_cnn(self):
        self.smoke("fashion_mnist_cnn.yaml")

    def test_resnet8(self):
        self.smoke("fashion_mnist_resnet8.yaml")

    def test_char_gpt(self):
        self.smoke("char_gpt.yaml")

    @unittest.skipIf(WORKER == "none", "there is no worker to wait for")
    def test_no_step_waits_not_even_that_of_an_incomplete_last_batch(self):
        text = self.folder / "text.txt"
        text.write_text("to be, or not to be, that is the question\n" * 80)
        images, characters = ["trainer.epochs=2"], ["~trainer.max_steps", "trainer.epochs=2", "data.batch_size=20"]
        for config, data, overrides in (("fashion_mnist_mlp", self.data, images), ("fashion_mnist_cnn", self.data, images),
                                        ("fashion_mnist_resnet8", self.data, images), ("char_gpt", text, characters)):
            with self.subTest(config):
                run = self.folder / config
                said = self.train("--config", ROOT / "configs" / f"{config}.yaml", "--stats", "--output", run,
                                  f"data.path={data}", *overrides).out
                self.assertEqual(self.summary(run)["epochs"], 2)
                self.assertIn("steps after the first that waited for the worker: 0\n", said)


if __name__ == "__main__":
    unittest.main()
