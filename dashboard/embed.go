// Package dashboard holds the built front end inside the binary.
//
// dist is filled by `npm run build`. Before a build it holds only a
// placeholder, so that the Go code compiles on a clean checkout; index.html is
// then missing, and who serves FS must say so in words.
package dashboard

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// FS returns the built files, rooted at dist: "index.html", "assets/...".
func FS() fs.FS {
	root, err := fs.Sub(dist, "dist")
	if err != nil {
		// The folder is embedded above; its name is a valid path.
		panic(err)
	}
	return root
}
