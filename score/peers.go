package main

func peers([]string) error {
	_, err := readTruth("")
	return err
}
