// Reading a broken document must give an error. Where it panics instead, the property is broken.
package main

import (
	"os"

	"gopkg.in/yaml.v3"
)

func main() {
	defer func() {
		if recover() != nil {
			os.Exit(10)
		}
	}()
	var value interface{}
	_ = yaml.Unmarshal([]byte("0: [:!00 \xef"), &value)
}
