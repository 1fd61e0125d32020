// An ordinary archive is unpacked where it should be.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"

	"github.com/hashicorp/go-slug"
)

func main() {
	var archive bytes.Buffer
	packed := gzip.NewWriter(&archive)
	entries := tar.NewWriter(packed)
	_ = entries.WriteHeader(&tar.Header{Name: "file", Mode: 0o644, Size: 1, Typeflag: tar.TypeReg})
	_, _ = entries.Write([]byte("x"))
	_ = entries.Close()
	_ = packed.Close()
	if os.Mkdir("out", 0o755) != nil || slug.Unpack(&archive, "out") != nil {
		os.Exit(3)
	}
	if text, err := os.ReadFile("out/file"); err != nil || string(text) != "x" {
		os.Exit(3)
	}
}
