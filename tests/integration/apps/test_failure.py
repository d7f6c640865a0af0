"""What goes wrong ends with one clear sentence and the right exit code, and loses nothing."""

import fcntl
import os
import signal
import unittest

from app_test import BIN, SMALL_RUN, WORKER, AppTest, write_idx

IMAGES, LABELS = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"


class FailureTest(AppTest):
    def setUp(self):
        super().setUp()
        self.run_folder = self.folder / "run"

    def fails(self, *arguments, text=SMALL_RUN, code=1, worker=WORKER):
        """The one sentence that a run ends with."""
        result = self.train("--config", self.config(text), "--output", self.run_folder, *arguments, code=code,
                            worker=worker)
        lines = [line for line in result.err.splitlines() if line.startswith("rt-train: ")]
        self.assertEqual(len(lines), 1, result.err)
        self.assertNotIn("Exception raised from", result.err)
        return lines[0]

    def check_data(self, name, message):
        said = self.fails()
        self.assertIn(str(self.data / name), said)
        self.assertRegex(said, message)
        self.assertFalse(self.run_folder.exists(), "a run folder was left")

    def test_a_missing_data_file(self):
        (self.data / IMAGES).unlink()
        self.check_data(IMAGES, "No such file")

    def test_a_truncated_data_file(self):
        content = (self.data / IMAGES).read_bytes()
        (self.data / IMAGES).write_bytes(content[: len(content) // 2])
        self.check_data(IMAGES, "is truncated")

    def test_a_data_file_with_less_than_its_header_says(self):
        write_idx(self.data / IMAGES, (300, 28, 28), bytes(100))
        self.check_data(IMAGES, "expected 235200 bytes after its header, found 100")

    def test_a_corrupt_data_file(self):
        content = bytearray((self.data / IMAGES).read_bytes())
        content[len(content) // 2] ^= 0xFF
        (self.data / IMAGES).write_bytes(content)
        self.check_data(IMAGES, "is corrupt|is truncated")

    def test_a_data_file_of_another_kind(self):
        (self.data / LABELS).write_bytes((self.data / IMAGES).read_bytes())
        self.check_data(LABELS, "is no IDX file of unsigned bytes with 1 dimension")

    def test_a_label_that_the_config_does_not_know(self):
        write_idx(self.data / LABELS, (300,), [i % 11 for i in range(300)])
        self.check_data(LABELS, "has the label 10: expected 0 to 9")

    def test_a_run_folder_that_can_not_be_made(self):
        (self.folder / "file").write_text("")
        self.run_folder = self.folder / "file" / "run"
        self.assertIn("can't make the folder", self.fails())

    def test_a_run_folder_that_holds_a_run(self):
        self.train("--config", self.config(), "--output", self.run_folder)
        before = (self.run_folder / "metrics.jsonl").read_text()
        self.assertIn("--resume", self.fails(code=2))
        self.assertEqual((self.run_folder / "metrics.jsonl").read_text(), before)

    def test_a_run_folder_that_another_run_writes_into(self):
        self.train("--config", self.config(), "--output", self.run_folder, "trainer.epochs=1")
        lock = os.open(self.run_folder, os.O_RDONLY)
        self.addCleanup(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = (self.run_folder / "metrics.jsonl").read_text()
        said = self.train("--resume", self.run_folder, "trainer.epochs=2", code=1).err
        self.assertIn(f"another run is writing into {self.run_folder}", said)
        self.assertEqual((self.run_folder / "metrics.jsonl").read_text(), before)

    def test_a_checkpoint_whose_weights_have_changed(self):
        self.train("--config", self.config(), "--output", self.run_folder, "trainer.epochs=1")
        weights = self.run_folder / "checkpoints" / "last" / "model.safetensors"
        content = bytearray(weights.read_bytes())
        content[-1] ^= 1
        weights.write_bytes(content)
        said = self.train("--resume", self.run_folder, "trainer.epochs=2", code=1).err
        self.assertIn("last/model.safetensors is no valid safetensors file: its tensors don't have the checksum", said)

    def test_a_run_folder_of_a_run_that_ended_without_a_checkpoint(self):
        self.fails("model.layers.4.in_features=20")
        self.assertIn("without a checkpoint; delete it", self.fails(code=2))
        self.assertIn("after deleting this one", self.train("--resume", self.run_folder, code=1).err)

    def test_a_loss_that_is_no_number(self):
        said = self.fails("optimizer.lr=1.0e+30", text=SMALL_RUN.replace("AdamW", "SGD"))
        self.assertRegex(said, r"the loss of step \d is not a finite number; .* \(the run ended after step \d of 9; ")
        self.assertEqual(self.summary(self.run_folder)["status"], "failed")

    def test_a_shape_that_does_not_fit_names_the_layer(self):
        said = self.fails("model.layers.4.in_features=20")
        self.assertRegex(said, r"in layer 4 \(Linear, .*small\.yaml:9:\d+\)")

    def test_an_error_that_only_the_worker_sees(self):
        said = self.fails("model.layers.4.out_features=5")
        self.assertRegex(said, r"out of bounds")
        self.assertIn("the run ended after step", said)

    def test_options_that_do_not_fit_the_data(self):
        self.assertIn("there is no batch to train with", self.fails("data.drop_last=true", "data.batch_size=512", code=2))
        self.assertIn("trainer.monitor", self.fails("trainer.monitor=val/f1", code=2))
        self.assertFalse(self.run_folder.exists())

    def test_no_worker_at_the_address(self):
        said = self.fails(worker="127.0.0.1:1")
        self.assertIn("127.0.0.1:1", said)
        self.assertFalse(self.run_folder.exists())

    def start_worker(self, *arguments):
        port_file = self.folder / "port"
        worker = self.start("rt-worker", "--listen", "127.0.0.1:0", "--port-file", port_file, *arguments, worker=None)
        self.wait_for(lambda: port_file.exists() and port_file.read_text().strip(), "the worker's port", worker)
        return worker, "127.0.0.1:" + port_file.read_text().strip().rpartition(":")[2]

    @unittest.skipUnless((BIN / "rt-worker").exists(), "this build has no rt-worker")
    def test_a_worker_that_asks_for_a_credential(self):
        secret, other = self.folder / "secret", self.folder / "other"
        secret.write_text("open sesame\n")
        other.write_text("open barley\n")
        _, address = self.start_worker("--credential-file", secret)
        self.assertIn("--credential-file", self.fails(worker=address))
        self.assertIn("another credential", self.fails("--credential-file", other, worker=address))
        self.assertIn("can't read", self.fails("--credential-file", self.folder / "none", worker=address, code=2))
        self.assertFalse(self.run_folder.exists())
        self.train("--config", self.config(), "--output", self.run_folder, "--smoke", "--credential-file", secret,
                   worker=address)
        self.app("rt-eval", "--run", self.run_folder, "--credential-file", secret, worker=address)

    @unittest.skipUnless((BIN / "rt-worker").exists(), "this build has no rt-worker")
    def test_a_worker_killed_in_mid_epoch(self):
        worker, address = self.start_worker()
        run = self.start("rt-train", "--config", self.config(), "--output", self.run_folder, "trainer.epochs=100000",
                         "trainer.val_every_steps=60", worker=address)
        log = self.run_folder / "metrics.jsonl"
        self.wait_for(lambda: log.exists() and log.read_text().count("val/loss") >= 2, "two validations", run)
        worker.send_signal(signal.SIGKILL)
        said = self.finish(run, 1).err.splitlines()[-1]
        self.assertIn(address, said)
        self.assertRegex(said, r"the run ended after step \d+ of 300000; the last checkpoint is .*/checkpoints/last, of step")
        self.assertTrue((self.run_folder / "checkpoints" / "last" / "model.safetensors").exists())


if __name__ == "__main__":
    unittest.main()
