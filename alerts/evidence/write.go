package evidence

import (
	"archive/zip"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"sharpeyes/alerts"
)

// Open returns the bytes of one file of a package.
type Open func(ctx context.Context, f File) (io.ReadCloser, error)

// Write streams a package. The manifest has to be complete but for its readme. It
// ends with the context, and where a file is not what the manifest says.
func Write(ctx context.Context, w io.Writer, m Manifest, key ed25519.PrivateKey, open Open) error {
	readme := []byte(Readme(m, key))
	sum := sha256.Sum256(readme)
	m.Format, m.Readme = Format, File{ReadmeName, int64(len(readme)), hex.EncodeToString(sum[:])}
	manifest, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("evidence: manifest: %w", err)
	}
	switch {
	case len(manifest) > MaxManifest:
		return alerts.Errorf(alerts.TooLarge, "the manifest would have %d bytes, at most %d are taken", len(manifest), MaxManifest)
	case len(m.Files()) > MaxFiles:
		return alerts.Errorf(alerts.TooLarge, "the package would have %d files, at most %d are taken", len(m.Files()), MaxFiles)
	}
	signature, err := sign(manifest, key)
	if err != nil {
		return fmt.Errorf("evidence: sign: %w", err)
	}
	z := zip.NewWriter(w)
	for _, f := range []struct {
		name string
		body []byte
	}{{ManifestName, manifest}, {SignatureName, signature}, {ReadmeName, readme}} {
		out, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Store, Modified: m.MadeAt.UTC()})
		if err == nil {
			_, err = out.Write(f.body)
		}
		if err != nil {
			return fmt.Errorf("evidence: %s: %w", f.name, err)
		}
	}
	for _, f := range m.Files()[1:] {
		if err := writeFile(ctx, z, f, m.MadeAt, open); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("evidence: %w", err)
	}
	return nil
}

func writeFile(ctx context.Context, z *zip.Writer, f File, at time.Time, open Open) error {
	in, err := open(ctx, f)
	if err != nil {
		return fmt.Errorf("evidence: %s: %w", f.Name, err)
	}
	defer in.Close()
	out, err := z.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Store, Modified: at.UTC()})
	if err != nil {
		return fmt.Errorf("evidence: %s: %w", f.Name, err)
	}
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, h), &ending{ctx, in})
	if err != nil {
		return fmt.Errorf("evidence: %s: %w", f.Name, err)
	}
	if n != f.Bytes || sum(h) != f.SHA256 {
		return alerts.Errorf(alerts.Internal, "%s is not what was kept: its %d bytes have the SHA-256 %s", f.Name, n, sum(h))
	}
	return nil
}

func sum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// ending is a reader that ends with its context.
type ending struct {
	ctx context.Context
	r   io.Reader
}

func (e *ending) Read(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.r.Read(p)
}

// Readme is the page that tells people what they hold.
func Readme(m Manifest, key ed25519.PrivateKey) string {
	public, _ := key.Public().(ed25519.PublicKey)
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	local := m.MadeAt.UTC().Format("2006-01-02 15:04:05 UTC")
	say("雪亮网关 · 证据包\r\n")
	say("案卷编号:%s", m.Case.Code)
	say("制作时间:%s    制作人:%s(%s)", local, m.MadeBy, m.Role)
	say("内容:证据 %d 件,其中照片与文件 %d 件。每件的摄像机、位置、请求与实际时间、缺失、时钟偏差、编码、经手人与用途见 manifest.json。\r\n", len(m.Items), m.photos())
	say("录像为原始码流,未重新编码;kind 为 copy 的是带水印的副本,不是原件。照片与文件为去除元数据的副本(copy 一栏),原件的 SHA-256 与证据链记在 manifest.json;withheld 一栏说明未附副本的原因。")
	say("录像从首帧所属画面组的关键帧开始,播放器按剪辑表只显示请求的时间;中断处画面停在最后一帧,缺失的时段及原因见 manifest.json。\r\n")
	say("核验(不需要服务器):gateway verify 本文件.zip --key 公钥文件")
	say("公钥由网关在 /api/v1/evidence/key 公布,指纹:%s", Fingerprint(public))
	say("也可手工核验:各文件的 SHA-256 与 manifest.json 一致;signature.json 是对 manifest.json 全部字节的 Ed25519 签名。\r\n")
	say("----------------------------------------------------------------\r\n")
	say("Sharp Eyes gateway: evidence package\r\n")
	say("Case: %s", m.Case.Code)
	say("Made: %s by %s (%s)", local, m.MadeBy, m.Role)
	say("Contents: %d pieces of evidence, %d of them photos and files. Cameras, positions, requested and actual times, gaps, losses, clock offsets,", len(m.Items), m.photos())
	say("codecs, who and why are in manifest.json.\r\n")
	say("Footage is the original stream, not encoded again; what has the kind copy is a marked copy and no original. Photos and files")
	say("are copies without metadata (copy); the SHA-256 of the original, and its place in the chain, stand in manifest.json. Where not even")
	say("a copy is here, withheld says why.")
	say("Footage begins with the key frame of its first picture; players show the requested time alone, by the file's edit list. Across")
	say("a gap the last picture stands; the missing times and their causes are in manifest.json.\r\n")
	say("To check it, without a server: gateway verify THIS.zip --key KEYFILE")
	say("The gateway publishes its public key at /api/v1/evidence/key; fingerprint: %s", Fingerprint(public))
	say("By hand: the SHA-256 of each file is in manifest.json; signature.json is an Ed25519 signature over all bytes of manifest.json.")
	return b.String()
}
