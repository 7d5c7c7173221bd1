package whep

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"testing"

	"github.com/pion/srtp/v3"
)

var sealProfiles = []srtp.ProtectionProfile{srtp.ProtectionProfileAeadAes128Gcm, srtp.ProtectionProfileAes128CmHmacSha1_80}

func sealKeys(t testing.TB, p srtp.ProtectionProfile) (key, salt []byte) {
	t.Helper()
	k, _ := p.KeyLen()
	s, _ := p.SaltLen()
	key, salt = make([]byte, k), make([]byte, s)
	_, _ = rand.Read(key)
	_, _ = rand.Read(salt)
	return key, salt
}

// What is sealed here is opened by pion, over a rollover of the sequence
// number and with packets sent again from before it.
func TestSealedPacketsOpen(t *testing.T) {
	for _, profile := range sealProfiles {
		t.Run(profile.String(), func(t *testing.T) {
			key, salt := sealKeys(t, profile)
			s, err := newSealer(profile, key, salt)
			if err != nil {
				t.Fatal(err)
			}
			open, err := srtp.CreateContext(key, salt, profile)
			if err != nil {
				t.Fatal(err)
			}
			const first = 65_500
			for i := range uint32(100) {
				for _, index := range []uint32{first + i, first + i - min(i, 20)} {
					p := make([]byte, headerSize+1000, headerSize+1000+sealRoom)
					p[0], p[1] = 0x80, 102
					binary.BigEndian.PutUint16(p[2:], uint16(index))
					binary.BigEndian.PutUint32(p[4:], i*3600)
					binary.BigEndian.PutUint32(p[8:], 0xdeadbeef)
					_, _ = rand.Read(p[headerSize:])
					want := bytes.Clone(p)
					sealed, err := s.seal(p, index>>16)
					if err != nil {
						t.Fatal(err)
					}
					if &sealed[0] != &p[0] || len(sealed) > len(p)+sealRoom || bytes.Contains(sealed, want[headerSize:]) {
						t.Fatalf("packet %d: %d bytes, not sealed in place", index, len(sealed))
					}
					got, err := open.DecryptRTP(nil, sealed, nil)
					if err != nil || !bytes.Equal(got, want) {
						t.Fatalf("packet %d does not open: %v", index, err)
					}
				}
			}
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	for _, profile := range sealProfiles {
		b.Run(profile.String(), func(b *testing.B) {
			key, salt := sealKeys(b, profile)
			s, err := newSealer(profile, key, salt)
			if err != nil {
				b.Fatal(err)
			}
			p := make([]byte, headerSize+1150, headerSize+1150+sealRoom)
			p[0] = 0x80
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			index := uint32(0)
			for b.Loop() {
				index++
				binary.BigEndian.PutUint16(p[2:], uint16(index))
				_, _ = s.seal(p, index>>16)
			}
		})
	}
}
