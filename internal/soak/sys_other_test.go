//go:build !linux

package soak

import "syscall"

func dieWithUs() *syscall.SysProcAttr { return nil }
