// A gRPC server of Go's library for the tests of the load generator: it answers every call with the message of the call. It
// prints its address, and when its standard input ends the number of calls that it has answered. With -reflection, it answers
// Health/Check in place of that, and tells its descriptors.
package main

import (
	"crypto/tls"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/reflection"
	"google.golang.org/grpc/status"
)

func main() {
	certificate := flag.String("certificate", "", "file of the certificate, for TLS")
	key := flag.String("key", "", "file of its key")
	age := flag.Duration("age", time.Hour, "age at which a connection is closed in good order")
	tells := flag.Bool("reflection", false, "whether to tell its descriptors")
	flag.Parse()

	var answered atomic.Int64
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(unread{}),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionAge: *age}),
		grpc.MaxRecvMsgSize(1 << 30),
		grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
			var message mem.BufferSlice
			if err := stream.RecvMsg(&message); err != nil {
				return err
			}
			if name, _ := grpc.MethodFromServerStream(stream); name == "/test/Fail" {
				return status.Error(codes.ResourceExhausted, "100 % größer")
			}
			answered.Add(1)
			return stream.SendMsg(&message)
		}),
	}
	if *certificate != "" {
		pair, err := tls.LoadX509KeyPair(*certificate, *key)
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.Creds(credentials.NewServerTLSFromCert(&pair)))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	if *tells {
		options = nil
	}
	server := grpc.NewServer(options...)
	if *tells {
		healthpb.RegisterHealthServer(server, health.NewServer())
		reflection.Register(server)
	}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		server.Stop()
	}()
	fmt.Println(listener.Addr())
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
	fmt.Println(answered.Load())
}

// unread takes messages for bytes.
type unread struct{}

func (unread) Marshal(message any) (mem.BufferSlice, error) { return *message.(*mem.BufferSlice), nil }

func (unread) Unmarshal(data mem.BufferSlice, message any) error {
	data.Ref()
	*message.(*mem.BufferSlice) = data
	return nil
}

func (unread) Name() string { return "unread" }
