// Makes a module inert: every function returns its results' zero values at once. The rest of each body stays below that
// return, so that imports stay used and the module compiles as before.
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

type edit struct {
	at   int
	text string
}

func main() {
	err := filepath.WalkDir(os.Args[1], func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		if strings.HasSuffix(path, "_test.go") {
			return os.Remove(path)
		}
		return rewrite(path)
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func rewrite(path string) error {
	source, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, source, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		// The compiler will say so, if it looks at this file at all.
		return nil
	}
	var edits []edit
	offset := func(at token.Pos) int { return files.Position(at).Offset }
	inert := func(kind *ast.FuncType, body *ast.BlockStmt) {
		if body == nil {
			return
		}
		edits = append(edits, edit{offset(body.Lbrace) + 1, " if true { return }; "})
		if kind.Results == nil {
			return
		}
		if len(kind.Results.List) > 0 && kind.Results.List[0].Names == nil {
			if !kind.Results.Opening.IsValid() {
				edits = append(edits, edit{offset(kind.Results.End()), ")"})
				edits = append(edits, edit{offset(kind.Results.Pos()), "("})
			}
			for i, field := range kind.Results.List {
				edits = append(edits, edit{offset(field.Pos()), fmt.Sprintf("inert%d ", i)})
			}
		}
	}
	for _, declared := range file.Decls {
		switch declared := declared.(type) {
		case *ast.FuncDecl:
			inert(declared.Type, declared.Body)
		case *ast.GenDecl:
			ast.Inspect(declared, func(node ast.Node) bool {
				if literal, ok := node.(*ast.FuncLit); ok {
					inert(literal.Type, literal.Body)
					return false
				}
				return true
			})
		}
	}
	sort.SliceStable(edits, func(a, b int) bool { return edits[a].at < edits[b].at })
	var out strings.Builder
	last := 0
	for _, edit := range edits {
		out.Write(source[last:edit.at])
		out.WriteString(edit.text)
		last = edit.at
	}
	out.Write(source[last:])
	return os.WriteFile(path, []byte(out.String()), 0o644)
}
