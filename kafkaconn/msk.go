package kafkaconn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-msk-iam-sasl-signer-go/signer"
)

// mechanismMSK is the name that the access control of Amazon MSK goes by (MSK Developer Guide,
// "IAM access control"). Its brokers take a signed request as a token of OAUTHBEARER.
const mechanismMSK = "AWS_MSK_IAM"

// region is that of the cluster: the configured one, or that of AWS's variables.
func (a Access) region() (string, error) {
	region := cmp.Or(a.Region, os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	if region == "" {
		return "", errors.New(mechanismMSK + " needs the region of the cluster: sasl.region, or AWS_REGION")
	}
	return region, nil
}

// signed returns a token that lasts for 15 minutes, signed with the credentials that AWS's SDK
// finds: variables, shared files, web identity (IRSA), the instance or the pod.
func (a Access) signed(ctx context.Context) (string, error) {
	region, err := a.region()
	if err != nil {
		return "", err
	}
	token, _, err := signer.GenerateAuthToken(ctx, region)
	if err != nil {
		return "", fmt.Errorf("sign for %s: %w", mechanismMSK, err)
	}
	return token, nil
}
