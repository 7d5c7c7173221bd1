//go:build !unix

package still

func yield(int) {}
