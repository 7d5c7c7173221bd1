package main

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"os"

	"sharpeyes/alerts/evidence"
)

// verifyCmd checks a package of evidence, without a server.
type verifyCmd struct {
	Package string `arg:"" help:"The package, a zip file." type:"path"`
	Key     string `help:"File with the gateway's public key, as GET /api/v1/evidence/key answers it. Without it, it is proved that nothing was changed since the signature, and not whose it is." type:"path"`
}

// Run checks.
func (c verifyCmd) Run() error { return verifyPackage(os.Stdout, c.Package, c.Key) }

// maxKeyFile bounds what is read of a key file.
const maxKeyFile = 64 << 10

// verifyPackage writes what is found. The error of a package that is not whole has
// the code 2.
func verifyPackage(out io.Writer, name, keyFile string) error {
	var key ed25519.PublicKey
	if keyFile != "" {
		f, err := os.Open(keyFile)
		if err != nil {
			return fmt.Errorf("--key: %w", err)
		}
		b, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
		_ = f.Close()
		if err == nil {
			key, err = evidence.ParseKey(b)
		}
		if err != nil {
			return fmt.Errorf("--key: %w", err)
		}
	}
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r := evidence.Verify(f, info.Size(), key)
	for _, finding := range r.Findings {
		fmt.Fprintln(out, "WRONG 有误: "+finding)
	}
	if m := r.Manifest; m != nil {
		fmt.Fprintf(out, "Case 案卷 %s, made %s; %d of %d files are as the manifest says.\n", m.Case.Code, m.MadeAt.UTC().Format("2006-01-02 15:04:05 UTC"),
			r.Files, len(m.Files()))
	}
	switch {
	case r.Key != nil && r.Trusted:
		fmt.Fprintf(out, "Signed by the given key 由所给公钥签名: %s\n", evidence.Fingerprint(r.Key))
	case r.Key != nil:
		fmt.Fprintf(out, "Signed by the key 签名公钥: %s. Compare it with the one that the gateway publishes, or give that one with --key.\n", evidence.Fingerprint(r.Key))
	}
	if !r.OK() {
		return exitWith{2, fmt.Errorf("the package is not whole 证据包不完整; findings: %d", len(r.Findings))}
	}
	_, err = fmt.Fprintln(out, "The package is whole. 证据包完整。")
	return err
}
