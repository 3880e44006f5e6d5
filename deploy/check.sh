#!/bin/sh
# Check the manifests against Kubernetes' schemas, then their hardening, the
# configurations in them and the Dockerfile (deploy_test.go).
set -eu
cd "$(dirname "$0")/.."

version=1.37.0
schemas=.tools/kubernetes-schemas/$version
if [ ! -d "$schemas" ]; then
	python3 -m venv .tools/kubernetes-validate
	.tools/kubernetes-validate/bin/pip install --quiet --disable-pip-version-check kubernetes-validate==$version
	rm -rf "$schemas.part"
	.tools/kubernetes-validate/bin/python deploy/schemas.py $version "$schemas.part"
	mv "$schemas.part" "$schemas"
	rm -r .tools/kubernetes-validate # 144 MB, of which 10 MB are wanted
fi

# kubectl reads kustomization.yaml itself; deploy_test.go checks that each names
# every manifest beside it.
.tools/bin/kubeconform -strict -summary -skip Kustomization \
	-schema-location "$schemas/{{.ResourceKind}}{{.KindSuffix}}.json" deploy/kubernetes

go test -count=1 ./deploy
