"""The configuration as a user meets it: printed, checked, and every mistake told with its place."""

import unittest

from app_test import ROOT, SMALL_RUN, AppTest


class ConfigTest(AppTest):
    def mistakes(self, text, *arguments):
        """What rt-train says about a config, without the file's folder."""
        path = self.config(text)
        result = self.train("--config", path, *arguments, "--output", self.folder / "run", code=2, worker=None)
        self.assertFalse((self.folder / "run").exists(), "a run began")
        self.assertEqual(result.out, "")
        return result.err.replace(str(self.folder) + "/", "")

    def test_every_shipped_config_is_right(self):
        configs = sorted((ROOT / "configs").glob("*.yaml"))
        self.assertGreaterEqual(len(configs), 4)
        for path in configs:
            with self.subTest(path.name):
                self.train("--config", path, "--check", worker=None)

    def test_a_check_reads_the_data_and_tries_the_model(self):
        path = self.config()
        result = self.train("--config", path, "--check", worker=None)
        self.assertEqual(result.out, f"{path}: no mistake found; a run is 9 steps, 3 an epoch; "
                                     "one batch went through the model\n")
        said = self.train("--config", path, "--check", "model.layers.4.in_features=20", code=1, worker=None).err
        self.assertRegex(said, r"in layer 4 \(Linear, .*small\.yaml:9:\d+\)")
        said = self.train("--config", path, "--check", "data.path=nowhere", code=1, worker=None).err
        self.assertIn("nowhere/", said)
        self.assertFalse((self.folder / "runs").exists(), "a run folder was made")

    def test_the_printed_config_reads_back_as_itself(self):
        for path in sorted((ROOT / "configs").glob("*.yaml")):
            with self.subTest(path.name):
                printed = self.train("--config", path, "--print-config", worker=None).out
                again = self.config(printed, "printed.yaml")
                self.assertEqual(self.train("--config", again, "--print-config", worker=None).out, printed)

    def test_an_override_is_in_the_printed_config(self):
        path = self.config()
        printed = self.train("--config", path, "--print-config", "optimizer.lr=0.25", "model.layers.1.out_features=8",
                             worker=None).out
        self.assertIn("lr: 0.25", printed)
        self.assertIn("out_features: 8", printed)

    def test_a_misspelt_key_has_its_place_and_a_suggestion(self):
        said = self.mistakes(SMALL_RUN.replace("epochs: 3", "epcohs: 3"))
        self.assertIn("small.yaml:13:11: unknown key 'epcohs' in section 'trainer'; did you mean 'epochs'?", said)

    def test_a_wrong_type_says_what_is_expected(self):
        said = self.mistakes(SMALL_RUN.replace("lr: 0.001", "lr: fast"))
        self.assertIn("small.yaml:12:30: optimizer.lr: expected a number > 0, got 'fast'", said)

    def test_a_missing_key_is_named(self):
        said = self.mistakes(SMALL_RUN.replace("in_features: 784, ", ""))
        self.assertIn("small.yaml:6:14: missing key 'in_features' in layer Linear", said)

    def test_a_duplicate_key_is_a_mistake(self):
        self.assertIn("small.yaml:2:1: ", self.mistakes("seed: 1\n" + SMALL_RUN))

    def test_a_syntax_error_has_its_line(self):
        self.assertRegex(self.mistakes(SMALL_RUN.replace("{epochs: 3, ", "{epochs: 3 ")), r"small\.yaml:13:\d+: ")

    def test_all_mistakes_are_told_at_once(self):
        text = SMALL_RUN.replace("epochs: 3", "epcohs: 3").replace("CrossEntropyLoss", "CrosEntropyLoss")
        said = self.mistakes(text.replace("p: 0.2", "p: 2").replace("0.001", "fast"), "trainer.log_every_steps=-1")
        for part in ("small.yaml:8:26: ", "small.yaml:10:7: ", "did you mean 'CrossEntropyLoss'?", "small.yaml:12:30: ",
                     "small.yaml:13:11: ", "command line: trainer.log_every_steps=-1"):
            self.assertIn(part, said)

    def test_sequences_longer_than_the_model_takes_are_a_mistake(self):
        text = (ROOT / "configs" / "char_gpt.yaml").read_text()
        said = self.mistakes(text, "data.block_size=65")
        self.assertIn("data.block_size (65) must not exceed model.block_size (64)", said)

    def test_no_file_at_all_is_a_mistake(self):
        for path in ("nowhere.yaml", self.folder):
            self.assertIn(str(path), self.train("--config", path, code=2, worker=None).err)

    def test_wrong_usage_ends_with_two(self):
        path = self.config()
        for arguments in (["--config", path, "--smok"], ["--config", path, "--require", "val/accuracy"],
                          ["--config", path, "optimizer"], [], ["--config", path, "--worker", "nonsense"]):
            with self.subTest(arguments):
                self.assertNotEqual(self.train(*arguments, code=2, worker=None).err, "")

    def test_help_explains_a_component(self):
        self.assertIn("kernel_size", self.train("--help-config", "Conv2d", worker=None).out)
        self.assertIn("clip_grad_norm", self.train("--help-config", "trainer", worker=None).out)


if __name__ == "__main__":
    unittest.main()
