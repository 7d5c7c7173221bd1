package whep

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"

	"github.com/pion/srtp/v3"
)

const (
	headerSize = 12 // of RTP, without extensions
	// sealRoom is the most a sealer adds to a packet.
	sealRoom = 16
)

// sealer makes SRTP of RTP (RFC 3711). It belongs to one goroutine.
type sealer interface {
	// seal encrypts a packet in place and appends its tag. The packet has
	// sealRoom bytes of capacity behind it; roc is its rollover counter.
	seal(packet []byte, roc uint32) ([]byte, error)
}

// newSealer returns AES-GCM of our own, which allocates nothing and looks
// nothing up, and pion's context for the old profile.
func newSealer(profile srtp.ProtectionProfile, key, salt []byte) (sealer, error) {
	if profile == srtp.ProtectionProfileAeadAes128Gcm {
		return newGCM(key, salt)
	}
	c, err := srtp.CreateContext(key, salt, profile)
	if err != nil {
		return nil, err
	}
	return classic{c}, nil
}

// gcm is AEAD_AES_128_GCM (RFC 7714).
type gcm struct {
	aead cipher.AEAD
	salt [12]byte
	iv   [12]byte // here, so that it need not be allocated
}

// Labels of the key derivation (RFC 3711 4.3.2).
const (
	labelKey  = 0
	labelSalt = 2
)

func newGCM(key, salt []byte) (*gcm, error) {
	session, err := derive(key, salt, labelKey, len(key))
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(session)
	if err != nil {
		return nil, err
	}
	g := &gcm{}
	if g.aead, err = cipher.NewGCM(block); err != nil {
		return nil, err
	}
	s, err := derive(key, salt, labelSalt, len(salt))
	if err != nil {
		return nil, err
	}
	copy(g.salt[:], s)
	return g, nil
}

// derive is the key derivation of RFC 3711 4.3.1 and 4.3.3 with a rate of 0. The
// 12 bytes of salt of RFC 7714 are filled up with zeros at the end.
func derive(key, salt []byte, label byte, size int) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	var x [aes.BlockSize]byte
	copy(x[:14], salt)
	x[7] ^= label
	out := make([]byte, size)
	cipher.NewCTR(block, x[:]).XORKeyStream(out, out)
	return out, nil
}

func (g *gcm) seal(p []byte, roc uint32) ([]byte, error) {
	// RFC 7714 8.1: 00 00, SSRC, ROC, SEQ, all of it XORed with the salt.
	g.iv = g.salt
	iv := g.iv[:]
	binary.BigEndian.PutUint32(iv[2:], binary.BigEndian.Uint32(iv[2:])^binary.BigEndian.Uint32(p[8:]))
	binary.BigEndian.PutUint32(iv[6:], binary.BigEndian.Uint32(iv[6:])^roc)
	binary.BigEndian.PutUint16(iv[10:], binary.BigEndian.Uint16(iv[10:])^binary.BigEndian.Uint16(p[2:]))
	return g.aead.Seal(p[:headerSize], iv, p[headerSize:], p[:headerSize]), nil
}

// classic is any other profile, AES_CM_128_HMAC_SHA1_80 above all. It counts
// rollovers by itself.
type classic struct{ *srtp.Context }

func (c classic) seal(p []byte, _ uint32) ([]byte, error) { return c.EncryptRTP(p, p, nil) }
