package desk

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// sealVersion is the first byte of everything sealed, so that a later scheme
// can be told apart.
const sealVersion = 1

// VaultKeySize is the size of a vault's key in bytes.
const VaultKeySize = 32

var errSealed = errors.New("desk: sealed data is damaged, or was sealed with another key")

type gcmVault struct{ aead cipher.AEAD }

// NewVault returns a vault of AES-256-GCM with random nonces.
func NewVault(key []byte) (Vault, error) {
	if len(key) != VaultKeySize {
		return nil, fmt.Errorf("desk: vault key has %d bytes, it must have %d", len(key), VaultKeySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("desk: vault: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("desk: vault: %w", err)
	}
	return gcmVault{aead}, nil
}

func (v gcmVault) Seal(plain []byte) ([]byte, error) {
	return v.aead.Seal([]byte{sealVersion}, nil, plain, nil), nil
}

func (v gcmVault) Open(sealed []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != sealVersion {
		return nil, errSealed
	}
	plain, err := v.aead.Open(nil, nil, sealed[1:], nil)
	if err != nil {
		return nil, errSealed
	}
	return plain, nil
}

// RandomKey returns a new key for NewVault.
func RandomKey() []byte {
	key := make([]byte, VaultKeySize)
	_, _ = rand.Read(key) // never fails: crypto/rand ends the process instead
	return key
}
